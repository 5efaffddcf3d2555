"""Content-addressed folders: each stage's result, with the manifest of what it was made from.

``disk``          files: atomic writes, checksums, what to do when the disk refuses
``room``          room on a disk: what lacks of it
``estimates``     how much a stage will write
``artifact``      the folder and its manifest, and the recipe that determines it
``store``         finding artifacts and making them
``remote``        a store that several machines share
``claims``        which of them makes an artifact, so that the others wait
``code_digest``   which code a stage consists of
``reasons``       why an artifact has to be made, in words
``lines``         which artifacts each configuration used last
``again``         making something again because a person asks for it
``inventory``     what a data folder holds, and what of it can go
``lookup``        finding an artifact without the settings that made it
"""
