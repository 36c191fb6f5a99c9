cat(file.exists(file.path(R.home("doc"), "COPYING")), nchar(paste(readLines(file.path(R.home("doc"), "THANKS")), collapse = "")) > 100, "\n")
