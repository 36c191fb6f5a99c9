import ctypes
print(ctypes.cdll.LoadLibrary("libxml2.so").xmlCheckVersion(20000))
