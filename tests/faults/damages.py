FULL = 200
def tries(seed, folder):
    yield from ()
