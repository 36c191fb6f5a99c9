import astropy, sys
sys.exit(astropy.test(package="constants", args="-q -p no:cacheprovider"))
