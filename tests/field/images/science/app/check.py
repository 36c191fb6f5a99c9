import sys, numpy
sys.exit(not numpy.test(tests=["numpy.lib.tests.test_format"], verbose=0))
