# Run by CPack on the staged files, before they are packed: manual pages
# compressed, the list of conffiles, and times that do not change from build to
# build.
file(GLOB roots LIST_DIRECTORIES true ${CPACK_TEMPORARY_DIRECTORY})
foreach(root ${roots})
  file(GLOB_RECURSE pages ${root}/usr/share/man/*.[1-8])
  foreach(page ${pages})
    execute_process(COMMAND gzip -9nf ${page} COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
  file(GLOB_RECURSE confs RELATIVE ${root} ${root}/etc/*)
  list(SORT confs)
  list(TRANSFORM confs PREPEND "/")
  list(JOIN confs "\n" text)
  # The list lies beside the package's own files.
  file(WRITE ${CPACK_SLUICE_CONFFILES} "${text}\n")
  execute_process(COMMAND find ${root} -exec touch -h -d @$ENV{SOURCE_DATE_EPOCH} {} + COMMAND_ERROR_IS_FATAL ANY)
endforeach()
