# The fuzz targets of common/store.
facteur_fuzz(uid_list SOURCE ${CMAKE_SOURCE_DIR}/tests/fuzz/uid_list_fuzz.cpp LINKS store base fs log mime)
facteur_fuzz(mbox SOURCE ${CMAKE_SOURCE_DIR}/tests/fuzz/mbox_fuzz.cpp LINKS store base fs log mime)
