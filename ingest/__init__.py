"""Bytes in, columns out: capture files and flow logs become packet, flow and event batches.

`capture` cuts capture files into blocks, `decode` turns a block into packets, `meter` packets into
flows, `flowlogs` reads flows that others have metered, `community_id` names flows across tools.
"""
