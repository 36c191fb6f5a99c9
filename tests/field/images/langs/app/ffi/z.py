import ctypes
z = ctypes.CDLL("libz.so")
z.zlibVersion.restype = ctypes.c_char_p
print(z.zlibVersion().decode())
