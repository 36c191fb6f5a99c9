puts [catch {load libz.so Zlibx} e]; puts $e
