sluice_unit_test(queue queue)
sluice_fuzz_target(netlink queue)
