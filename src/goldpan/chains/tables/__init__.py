"""Tables of a chain of stages: what all of them found out about a record, side by side, or by group.

`joined` joins the features of the stages by the ids of records, `columns` names what a row has, `groups`
counts with intervals, `output` writes, `page` draws, `check` looks names up before a run, `run` makes one.
"""
