# net/: addresses, checksums, packet views (and base/, on which they stand).
sluice_unit_test(net net)
sluice_fuzz_target(packet net)
