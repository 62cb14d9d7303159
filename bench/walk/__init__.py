"""What tasks cost a model: the calls that each needs, and the bytes of their answers.

Scripts play a sensible assistant, through a real MCP client, on the sandbox, in virtual time.
"""
