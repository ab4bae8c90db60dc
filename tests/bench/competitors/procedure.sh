# The procedure as a careful person writes it, with polling in place of fixed sleeps. Runs on the host.
set -u
supervisorctl=${SUPERVISORCTL:?}
answers() { curl --silent --fail --max-time 3 --output /dev/null "http://127.0.0.1:$1$2"; }
await() { # PORT PATH
    for _ in $(seq 300); do
        answers "$1" "$2" && return 0
        sleep 0.1
    done
    echo "port $1 does not answer" >&2
    exit 1
}
port_of() { case $1 in crm) echo 8001 ;; platform) echo 8002 ;; main) echo 8000 ;; esac; }

red=()
for service in main platform crm; do
    answers "$(port_of $service)" /health || red+=("toombos:$service")
done
if [ ${#red[@]} -gt 0 ]; then
    $supervisorctl stop "${red[@]}" >/dev/null # fails for what is down already
    rm -rf /run/bench/tmp/halcytone-*
    for service in crm platform main; do
        case " ${red[*]} " in *" toombos:$service "*)
            $supervisorctl start "toombos:$service" >/dev/null || exit 1
            await "$(port_of $service)" /health
            ;;
        esac
    done
fi
await 8000 /preview
