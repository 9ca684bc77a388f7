"""Python loads this before tempest. Tempest's subnets client sleeps 10 s before each deletion of a subnet, to give
backends time to remove ports: an hour of sleep a run. Nucleon must not need it, and without it the tests ask for more."""
import sys
import time

_sleep = time.sleep


def sleep(seconds):
    caller = sys._getframe(1).f_globals.get('__name__')
    if caller != 'tempest.lib.services.network.subnets_client':
        _sleep(seconds)


time.sleep = sleep
