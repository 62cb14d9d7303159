"""What the server says and sends where TRaX does otherwise than its documents say, as a table.

`rows_of_*` hold the rows, `plays` the ways to deviate, `scenarios` the calls, `told` what is read,
and `promises` what holds for each row. `python -m tests.deviations` prints what is true now.
"""
