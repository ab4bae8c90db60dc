#!/bin/sh
# sh verify.sh INCIDENT_DIR ALLOWED_SIGNERS: the custody log and every file of every bag, offline, with stock tools alone.
case $2 in /*) keys=$2 ;; *) keys=$PWD/$2 ;; esac; cd "$1" || exit 2; LC_ALL=C; export LC_ALL; bad=0 log=custody.jsonl h='\([0-9a-f]\{64\}\)' ns=custody@toombos.incident
fail() { echo "FAILED: $*"; bad=1; }; records() { sed '$d' $log; }; get() { sed -n "$1" $log; }; sum() { sha256sum | sed 's/ .*//'; }
same() { echo "$1  $2" | sha256sum -c --strict --status 2>/dev/null || fail "$2 is not the one of the custody log"; }
lists() { (cd "$1" && [ ! -L "../$1" ] && sha256sum -c --strict --quiet tagmanifest-sha256.txt manifest-sha256.txt && sha512sum -c --strict --quiet tagmanifest-sha512.txt &&
  [ "$(sed 's/^[0-9a-f]\{128\}  //' tagmanifest-sha512.txt)" = "$(sed 's/^[0-9a-f]\{64\}  //' tagmanifest-sha256.txt)" ]) 2>&1 || fail "$1"; }
listed() { case ${1#*/} in tagmanifest-sha256.txt|tagmanifest-sha512.txt) ;; *[!a-zA-Z0-9._/+=,@-]*) false ;; *) sed 's/^[0-9a-f]*  //' "$bag"/*manifest-sha256.txt | grep -qxF -e "${1#*/}" ;; esac; }
walk() { for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do if [ -d "$f" ] && [ ! -L "$f" ]; then walk "$f"; elif [ -e "$f" ] || [ -L "$f" ]; then [ ! -L "$f" ] && listed "$f" || fail "$f is listed nowhere"; fi; done; }
keygen() { { printf %b "$signature" | { exec 4<&0 <&3; ssh-keygen -Y "$@" -f "$keys" -s /dev/fd/4 2>/dev/null; }; } 3<&0; }
read -r head count signer signature <<END
$(get '$s#^{"seal":{"head":"'$h'","namespace":"'${ns%.*}'[.]'${ns#*.}'","records":\([0-9]*\),"signature":"\(-----BEGIN SSH SIGNATURE-----\(\\n[A-Za-z0-9+/=]\{1,70\}\)*\\n-----END SSH SIGNATURE-----\\n\)","signer":"\(SHA256:[^"]*\)"}}$#\1 \2 \5 \3#p')
END
records | keygen verify -n $ns -I "$(keygen find-principals </dev/null | sed q)" | grep -q "^Good .* key $signer\$" || fail "the signature of $log"
case $signature in *[AQgw]==\\n-----E*|*[AEIMQUYcgkosw048]=\\n-----E*|*[!=]\\n-----E*) ;; *) fail "the end of the signature of $log" ;; esac
[ "$(records | grep -c '') $(printf %s "$(records | sed -n '$p')" | sum)" = "$count $head" ] || fail "the seal of $log"
proofs=$(get 's/.*"beside":{[^}]*"\(proof-[a-zA-Z0-9._-]*[.]json\)":"'$h'".*/\1/p'); for f in allowed_signers verify.sh fleet.json $proofs; do d=$(get 's/.*"'$f'":"'$h'".*/\1/p' | sed -n '$p'); [ -z "$d" ] && [ ! -e $f ] || same "$d" $f; done
for f in *; do case $f in allowed_signers|$log|derived|fleet.json|verify.sh) ;; *) { get 's/^{"bag":"\([^"]*\)".*"event":"verified".*/\1/p'; echo "$proofs"; } | grep -qxF -e "${f%.tar.*}" || fail "$f is mentioned nowhere" ;; esac; done
for b in $(get 's/^{"bag":"\([^"]*\)".*"method":"\([a-z]*\)","sha256":"'$h'","size":[0-9]*,"tagmanifest_sha256":"'$h'"},"event":"verified".*/\1:\2:\3:\4/p'); do bag=${b%%:*} b=${b#*:}; case $b in none:*) same "${b##*:}" "$bag/tagmanifest-sha256.txt"; lists "$bag"; walk "$bag" ;; *) d=${b#*:}; same "${d%:*}" "$bag.tar.${b%%:*}" ;; esac; done
[ $bad = 0 ] && echo "verified: record $count, $head, signed by $signer"
