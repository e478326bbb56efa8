"""Object stores: Amazon S3 and compatible stores, Google Cloud Storage and Azure, through `pyarrow.fs`.

A job works on local files. `mirror` keeps a copy of what a URL names, fetches what has changed in the store, and
uploads what the job wrote. Import nothing from here before a URL is given: pyarrow's file systems take time to load.
"""
