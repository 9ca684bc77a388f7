"""Runs commands of `openstack` or `neutron` (the first argument) one after another in one process, which saves a second
of start each: reads a JSON list of arguments a line, answers {"code", "out", "err"} a line."""
import contextlib
import io
import json
import sys


def openstack():
    from openstackclient import shell
    return shell.OpenStackShell().run


def neutron():
    from neutronclient import shell
    return shell.NeutronShell('2.0').run


program = {'openstack': openstack, 'neutron': neutron}[sys.argv[1]]
answers = sys.stdout
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = program()(json.loads(line))
        except SystemExit as end:
            code = end.code
        except Exception as error:
            print(error, file=err)
            code = 1
    answers.write(json.dumps({'code': code or 0, 'out': out.getvalue(), 'err': err.getvalue()}) + '\n')
    answers.flush()
