"""What travels to AWS: the files of a project with their bundles, build contexts of images, the task runner as one zip.

Each is bytes that depend on nothing but the files in it, beside a hash of those, so that what did not change is not sent again.
"""
