"""What gives away an attack in a web request, as arrays for the kernel.

Texts are lower case with percent escapes undone and plus signs as spaces, as the kernel makes requests.
Regions: in which part of a request a text counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from citywall.batches import (
    COMMAND,
    INJECTION,
    LOGIN_FORM,
    PROBING,
    SCANNER,
    SCRIPTING,
    TRAVERSAL,
    UNMISTAKABLE,
    WEB_SHELL,
)

TARGET, HEADERS, BODY, AGENT, PATH = 1, 2, 4, 8, 16
_ASKED = TARGET | BODY

#: (signs, regions, texts).
PATTERNS: tuple[tuple[int, int, tuple[str, ...]], ...] = (
    (INJECTION | UNMISTAKABLE, _ASKED, (
        "union select ", "union all select ", "union/**/select", "union distinct select",
        "information_schema.", "xp_cmdshell", "waitfor delay '", "into outfile '", "into dumpfile '",
        "extractvalue(", "updatexml(", "' or '1'='1", "' or 1=1", "') or ('", "pg_sleep(", "utl_inaddr.",
        "dbms_pipe.", "load_file(", "benchmark(1",
    )),
    (INJECTION, _ASKED, (
        "' or '", "\" or \"", " or 1=1", "' and '", "' and 1=", "' order by ", "';--", "'--", "' #", "sleep(",
        "group by 1", "order by 1", "%' and", "char(58", "concat(0x", "@@version", "' union",
    )),
    (SCRIPTING, _ASKED, (
        "<script", "javascript:", "onerror=", "onload=", "<svg/", "document.cookie", "<iframe", "<img src=",
    )),
    (TRAVERSAL | UNMISTAKABLE, _ASKED, (
        "../../../", "..\\..\\..\\", "/etc/passwd", "/etc/shadow", "\\win.ini", "/win.ini", "/boot.ini",
        "/proc/self/environ", "php://filter", "php://input", "expect://", "/..%c0%af", "..;/..;/",
    )),
    (TRAVERSAL, _ASKED, ("../../", "..\\..\\", "file:///", "/proc/self", "web-inf/web.xml", "=../", "=..\\")),
    (COMMAND | UNMISTAKABLE, _ASKED | HEADERS, (
        "${jndi:", "${${", "() { :", "() {:", "/bin/bash -i", "bash -i >& /dev/tcp", "java.lang.runtime",
        "processbuilder(", "class.module.classloader", "#_memberaccess", "%{(#", "nc -e /bin/",
    )),
    (COMMAND, _ASKED, (
        ";cat ", "|cat ", "; cat ", "| cat ", ";id;", ";wget ", "; wget ", "|wget ", ";curl ", "; curl ",
        "cmd.exe", "/bin/sh", "/bin/bash", "powershell", "$(id)", "`id`", ";ls ", "| ls", ";uname", "; uname",
        "&& whoami", "| whoami", ";whoami", "; whoami",
    )),
    (WEB_SHELL | UNMISTAKABLE, _ASKED, (
        "<?php eval(", "<?php @eval(", "<?php system(", "<?php passthru(", "eval($_post", "eval($_get",
        "eval($_request", "@eval(base64_decode", "eval(base64_decode", "request.getparameter(\"cmd",
        "<%eval request", "runtime.getruntime().exec(",
    )),
    (WEB_SHELL, _ASKED, (
        "shell.php", "cmd.php", "c99.php", "r57.php", "wso.php", "webshell", "shell.jsp", "cmd.jsp",
        "cmd.aspx", "shell.aspx", "<?php", "filename=\"shell", ".php?cmd=", ".jsp?cmd=",
        "?cmd=cat", "?cmd=ls", "?cmd=id", "?cmd=whoami", "passthru(", "shell_exec(",
    )),
    (PROBING, TARGET, (
        "/.git/", "/.env", "/.svn/", "/.aws/", "/.ssh/", "/phpmyadmin", "/pma/", "/manager/html",
        "/solr/admin", "/actuator/", "/cgi-bin/", "/boaform/", "/hnap1", "/_ignition/", "/phpunit/",
        "/wlwmanifest.xml", "/xmlrpc.php", "/setup.php", "/phpinfo.php", "/server-status", "/wp-config",
        "/invoker/", "/jmx-console", "/struts", "/think\\app", "/debug/pprof", "/.ds_store",
        "/backup.sql", "/backup.zip", "/web.config",
    )),
    (SCANNER, AGENT, (
        "sqlmap", "nikto", "nmap scripting", "masscan", "zgrab", "gobuster", "dirbuster", "wpscan",
        "acunetix", "nessus", "openvas", "nuclei", "w3af", "havij", "fuzz faster", "ffuf",
        "feroxbuster", "dirsearch", "wfuzz", "hydra", "netsparker", "appscan", "arachni", "zmeu",
        "morfeus", "jorgee", "skipfish", "whatweb", "httprobe", "l9explore", "expanseinc", "medusa",
        "commix", "xsser",
    )),
    (LOGIN_FORM, PATH, (
        "login", "signin", "sign_in", "sign-in", "logon", "log_in", "log-in", "j_security_check", "dologin",
        "/auth", "authenticate", "passport", "wp-admin", "denglu", "/session", "/sso",
    )),
)  # fmt: skip


class Patterns(NamedTuple):
    """Texts by their first two bytes: `starts[b]` to `starts[b + 1]` are those of bucket `b` (`bucket`)."""

    text: NDArray[np.uint8]
    starts: NDArray[np.int16]  # [BUCKETS + 1]
    at: NDArray[np.int64]
    sizes: NDArray[np.int64]
    signs: NDArray[np.int64]
    regions: NDArray[np.int64]


#: Buckets of the first two bytes, so that next to nothing is compared with what begins otherwise.
BUCKETS = 1 << 12


def bucket(text: bytes) -> int:
    """Twin of the kernel's."""
    return ((text[0] << 5) ^ text[1]) & (BUCKETS - 1)


def build() -> Patterns:
    """The arrays of PATTERNS."""
    every = sorted(
        ((t.encode(), signs, regions) for signs, regions, texts in PATTERNS for t in texts),
        key=lambda each: bucket(each[0]),
    )
    firsts = [bucket(text) for text, *_ in every]
    return Patterns(
        np.frombuffer(b"".join(text for text, *_ in every), np.uint8),
        np.searchsorted(firsts, np.arange(BUCKETS + 1)).astype(np.int16),
        np.cumsum([0, *(len(text) for text, *_ in every)])[:-1].astype(np.int64),
        np.array([len(text) for text, *_ in every], np.int64),
        np.array([signs for _, signs, _ in every], np.int64),
        np.array([regions for *_, regions in every], np.int64),
    )


#: Built once: it is the same for everybody.
BUILT = build()
