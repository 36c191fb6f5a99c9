local ffi = require("ffi")
ffi.cdef[[const char *zlibVersion();]]
print(ffi.string(ffi.load("z").zlibVersion()))
