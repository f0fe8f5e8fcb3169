# Bring a browser for the tests where none is found, and say so. Usage: sh tests/browser.sh PYTHON
for name in chromium chromium-browser google-chrome; do
    command -v "$name" > /dev/null && exit 0
done
"$1" -c 'import os, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as p: sys.exit(not os.path.exists(p.chromium.executable_path))' 2> /dev/null && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "No browser found: installing Debian's chromium."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium > /dev/null && exit 0
fi
echo "No browser found: fetching Playwright's Chromium."
"$1" -m playwright install chromium && exit 0
echo "No browser could be installed; install Chromium by hand." >&2
exit 1
