use FFI::Platypus; use FFI::CheckLib;
my $ffi = FFI::Platypus->new(api => 1, lib => [find_lib_or_die(lib => 'z')]);
print $ffi->function(zlibVersion => [] => 'string')->call, "\n";
