"""``make test-long``: hours of training, watched from outside, and clocks that go wrong.

``growth``    a pipeline that trains with everything around it; what of it grows, and how fast
``observed``  what processes, databases and folders take at a moment
``judged``    what may grow with the steps and with time, and what must not
``clocks``    a training whose clock is set, and one that is stopped and goes on
"""
