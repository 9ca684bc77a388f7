"""Runs `openstack` commands one after another in one process, which saves a second of start each: reads a JSON list of
arguments a line, answers {"code", "out", "err"} a line."""
import contextlib
import io
import json
import sys

from openstackclient import shell

answers = sys.stdout
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = shell.OpenStackShell().run(json.loads(line))
        except SystemExit as end:
            code = end.code
    answers.write(json.dumps({'code': code or 0, 'out': out.getvalue(), 'err': err.getvalue()}) + '\n')
    answers.flush()
