<?php echo FFI::cdef("const char *zlibVersion(void);", "libz.so")->zlibVersion(), "\n";
