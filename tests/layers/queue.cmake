sluice_unit_test(queue queue)
sluice_fuzz_target(netlink queue)
sluice_unit_test(nflog queue)
sluice_fuzz_target(nflog queue)
