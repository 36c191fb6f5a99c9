import ctypes.util
print(ctypes.util.find_library("z"), ctypes.util.find_library("crypto"))
