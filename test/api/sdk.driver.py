"""Calls openstacksdk's network proxy: reads {"cloud", "call", "args", "options"} a line, answers {"value"} or {"error",
"status", "why"} a line. An argument {"get_network": ID} is the object itself. The call `methods` answers the names of all
that can be called."""
import functools
import json
import sys
import types

import openstack
from openstack import exceptions, resource


@functools.cache
def proxy(cloud):
    return openstack.connect(cloud=cloud).network


def plain(value):
    if isinstance(value, (types.GeneratorType, list, tuple)):
        return [plain(one) for one in value]
    return value.to_dict() if isinstance(value, resource.Resource) else value


def meant(network, argument):
    if isinstance(argument, dict) and len(argument) == 1:
        [(name, value)] = argument.items()
        if name.startswith('get_'):
            return getattr(network, name)(value)
    return argument


def answer(cloud, call, args=(), options=None):
    network = proxy(cloud)
    if call == 'methods':
        own = type(network)
        return [name for name in dir(own) if not name.startswith('_') and callable(getattr(own, name))]
    return plain(getattr(network, call)(*[meant(network, one) for one in args], **(options or {})))


for line in sys.stdin:
    try:
        told = {'value': answer(**json.loads(line))}
    except exceptions.SDKException as error:
        told = {'error': type(error).__name__, 'status': getattr(error, 'status_code', None), 'why': str(error)}
    print(json.dumps(told, default=str), flush=True)
