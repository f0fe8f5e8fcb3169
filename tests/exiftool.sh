# Bring exiftool, which checks what the tests write into images; tests that need it are skipped where it cannot be had, and fail in CI.
command -v exiftool > /dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "No exiftool found: installing Debian's libimage-exiftool-perl."
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        libimage-exiftool-perl > /dev/null && exit 0
fi
echo "No exiftool found: its tests are skipped, or fail in CI."
exit 0
