"""What `helm test` runs, in the exporter's own image: scrape the Service as Prometheus does, and say what came.

`scrape.py URL SECONDS` waits that long for the exporter to have looked at everything once. The user and the password
that the listener may ask for stand in SCRAPE_USERNAME and SCRAPE_PASSWORD; a client certificate in SCRAPE_CERTIFICATES,
a folder with tls.crt and tls.key.
"""

import base64
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request


def main(url, seconds):
    deadline = time.monotonic() + seconds
    while problem := unready(url):
        if time.monotonic() > deadline:
            sys.exit(f"{url} {problem}")
        time.sleep(1)
    status, text = get(f"{url}/metrics")
    if status == 401:
        sys.exit(f"{url}/metrics asks for a password: name its Secret in serviceMonitor.basicAuth")
    if status != 200:
        sys.exit(f"{url}/metrics answers {status}")
    families = re.findall(r"^# TYPE (volsync_\w+)", text, re.MULTILINE)
    if "volsync_backup_state" not in families:
        sys.exit(f"{url}/metrics has no volsync_backup_state: {len(families)} families of volsync_ are there")
    # Each claim has a series for each state that there is.
    claims = len(re.findall(r'^volsync_backup_state{.*state="unknown"', text, re.MULTILINE))
    print(f"{url} serves {len(families)} families of volsync_, for {claims} claims")
    for source in re.findall(r'^volsync_exporter_source_up{[^}]*source="([^"]*)"[^}]*} 0', text, re.MULTILINE):
        print(f"but the source {source} cannot be read: `volsync-exporter doctor` says why")


def unready(url):
    """What is not well yet; None where all is."""
    for path in ("/healthz", "/readyz"):
        try:
            status, text = get(url + path)
        except OSError as error:
            return f"cannot be reached: {error}"
        if status != 200:
            return f"answers {status} at {path}: {text.strip()}"
    return None


def get(url):
    request = urllib.request.Request(url)
    if user := os.environ.get("SCRAPE_USERNAME"):
        password = os.environ.get("SCRAPE_PASSWORD", "")
        request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=10, context=tls()) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def tls():
    """The certificate is not checked: who signed it, and for which name, is for Prometheus to know."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if folder := os.environ.get("SCRAPE_CERTIFICATES"):
        context.load_cert_chain(f"{folder}/tls.crt", f"{folder}/tls.key")
    return context


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), float(sys.argv[2]))
