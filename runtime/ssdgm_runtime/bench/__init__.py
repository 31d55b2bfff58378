"""How fast a bundle runs here: measured beside others, with intervals, for people and for CI.

`request` says what to measure, `report` measures it: `cell` one graph under one load (`load`,
`figures`) beside other engines (`backends`), `starts` fresh processes, `accuracy` what the
speed is worth, `fingerprint` where all this was. `compare` holds a report against an older one.
"""
