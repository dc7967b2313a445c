"""Debian packages as test data: fetched and unpacked into a folder of the test's, never installed, so no service of theirs starts."""
import glob
import os
import subprocess


def unpack(names, folder):
    """Downloads packages with apt and unpacks them side by side under `folder`."""
    os.makedirs(folder, exist_ok=True)
    missing = []
    for name in names:
        if not glob.glob(os.path.join(folder, f"{name}_*.deb")):
            missing.append(name)
    if missing:
        ran = subprocess.run(["apt-get", "download", *missing], cwd=folder, capture_output=True, text=True, timeout=120)
        if ran.returncode != 0:
            raise AssertionError(f"apt-get download {' '.join(missing)}: {ran.stderr}")
    for name in names:
        for archive in glob.glob(os.path.join(folder, f"{name}_*.deb")):
            subprocess.run(["dpkg", "-x", archive, os.path.join(folder, "root")], check=True, timeout=120)
    return os.path.join(folder, "root")
