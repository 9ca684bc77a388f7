#!/bin/sh
# What udhcpc calls when a lease comes or goes: puts the lease on the interface, and writes it down for
# `nucleon instance` ($NUCLEON_INSTANCE_DIR/lease, and resolv.conf beside it). Nothing else is touched.
set -eu
dir=$NUCLEON_INSTANCE_DIR

routes() {
  # RFC 3442: with classless routes the router option is ignored.
  if [ -n "${staticroutes-}" ]; then
    # shellcheck disable=SC2086 # pairs of destination and gateway
    set -- $staticroutes
    while [ $# -ge 2 ]; do
      if [ "$2" = 0.0.0.0 ]; then
        ip -4 route replace "$1" dev "$interface"
      else
        ip -4 route replace "$1" via "$2" dev "$interface" onlink
      fi
      shift 2
    done
  elif [ -n "${router-}" ]; then
    ip -4 route replace default via "${router%% *}" dev "$interface"
  fi
}

case $1 in
  deconfig)
    ip -4 address flush dev "$interface"
    ip link set "$interface" up
    ;;
  bound | renew)
    [ -z "${mtu-}" ] || ip link set "$interface" mtu "$mtu"
    ip -4 address replace "$ip/$mask" brd + dev "$interface"
    routes
    {
      [ -z "${search:-${domain-}}" ] || echo "search ${search:-$domain}"
      for server in ${dns-}; do echo "nameserver $server"; done
    } >"$dir/resolv.conf"
    {
      echo "ip=$ip"
      echo "mask=$mask"
      echo "router=${router-}"
      echo "dns=${dns-}"
      echo "domain=${domain-}"
      echo "mtu=${mtu-}"
      echo "staticroutes=${staticroutes-}"
      echo "lease=${lease-}"
      echo "serverid=${serverid-}"
    } >"$dir/lease.new"
    mv "$dir/lease.new" "$dir/lease"
    ;;
esac
