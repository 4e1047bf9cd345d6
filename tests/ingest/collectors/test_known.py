"""Templates of many exporters found by a table: as a dictionary does, whatever came and went."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.collectors import kernels as k
from ingest.collectors.known import Known
from ingest.collectors.templates import Field, Template

FIVE = 7
#: What happens: (source, id, layout or None for a template that goes, whether its records tell of sampling).
HAPPENED = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(256, 259), st.one_of(st.none(), st.integers(0, 9)), st.booleans()
    ),
    max_size=120,
)
ASKED = st.lists(
    st.tuples(
        st.integers(0, 41), st.sampled_from((*range(256, 261), k.V5_SET)),
        st.sampled_from((k.DATA, k.TEMPLATES, k.OPTIONS)),
    ),
    max_size=30,
)  # fmt: skip


def template_of(number: int, layout: int, telling: bool) -> Template:
    fields = (Field(0, 34 if telling else 8, 4),)  # samplingInterval
    return Template(number, fields, scopes=int(telling), layout=layout)


@settings(max_examples=80)
@given(HAPPENED, ASKED)
def test_as_a_dictionary_does(happened, asked):
    known, wanted = Known(FIVE), {}
    for source, number, layout, telling in happened:
        template = None if layout is None else template_of(number, layout, telling)
        known.tell(source, number, template)
        wanted[source, number] = template
    sets = np.zeros(len(asked), k.SET)
    sets["id"], sets["kind"] = [one[1] for one in asked], [one[2] for one in asked]
    found = known.resolve(sets, np.array([one[0] for one in asked], np.int32)).tolist()
    layouts, telling = [], []
    for i, (source, number, kind) in enumerate(asked):
        template = wanted.get((source, number))
        if kind != k.DATA:
            layouts.append(-1)
        elif number == k.V5_SET:
            layouts.append(FIVE)
        else:
            layouts.append(template.layout if template else -1)
        if kind != k.DATA or (number != k.V5_SET and template and template.telling):
            telling.append(i)
    assert sets["template"].tolist() == layouts
    assert found == telling


def test_what_went_takes_no_room():
    known = Known(FIVE)
    for number in range(256, 20_000):
        known.tell(1, number, template_of(number, 3, False))
        known.tell(1, number, None)
    assert len(known._rows) == 16
