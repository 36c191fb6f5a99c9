require 'ffi'
module Z
  extend FFI::Library
  ffi_lib 'z'
  attach_function :zlibVersion, [], :string
end
puts Z.zlibVersion
