#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# not in the guest: what it adds to web_block is not the kernel's
# The Core Rule Set at paranoia level 1 on a bridge in front of nginx and a shop with holes: Debian's (3.3.4), or from
# crs_4 version 4.
. "$(dirname "$0")/../lab"
. "$(dirname "$0")/../lib/crs.sh"

# attacks_are_refused EXPECTATION: attacks by hand; what becomes of each.
attacks_are_refused() {
    local page=$1
    "$page" 403 '/item?id=1%27%20UNION%20SELECT%20name,card%20FROM%20customers--%20'
    "$page" 403 '/search?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E'
    "$page" 403 '/file?name=../../../../etc/passwd'
    "$page" 403 '/search?q=;cat%20/etc/passwd'
    "$page" 403 '/search?q=%3C%3Fphp%20system(%24_GET%5B%22c%22%5D);%3F%3E'
    "$page" 403 / -A 'sqlmap/1.7.2#stable (https://sqlmap.org)'
    "$page" 403 /login --data-urlencode "user=admin' OR 1=1-- " -d password=x
    "$page" 403 /login -H 'Content-Type: application/json' -d '{"user": {"name": "<script>alert(1)</script>"}}'
    "$page" 403 /login --form-string 'text=<img src=x onerror=alert(1)>' -F 'picture=@/dev/null;filename=a.jpg'
    "$page" 403 / -H 'Cookie: sid=1; lang=../../../etc/shadow'
    CRS_ADDRESS=[$SERVER6] "$page" 403 '/file?name=../../../../etc/passwd'
}

# The shop itself refuses nothing.
let_through() {
    local status
    status=$(status_of "${@:2}")
    [[ $status =~ ^(200|404|500)$ ]] || fail "${*:2}: $status, though it is only detected"
}

# same_as_inside PATH [CURL OPTIONS...]: the client gets what a client beside the server gets, byte for byte but the date.
same_as_inside() {
    browse "$CLIENT_NS" "$@" | grep -av '^Date:' >"$LAB_DIR/outside.answer"
    browse "$SERVER_NS" "$@" | grep -av '^Date:' >"$LAB_DIR/inside.answer"
    grep -q '^HTTP/1.1 200' "$LAB_DIR/inside.answer" || fail "the shop: $*: $(head -n 1 "$LAB_DIR/inside.answer")"
    cmp "$LAB_DIR/inside.answer" "$LAB_DIR/outside.answer" || fail "$*: not the same through the bridge"
    say "$*: whole"
}

# A form with a file, whose boundary is always the same.
write_form() {
    printf -- '------rome\r\nContent-Disposition: form-data; name="title"\r\n\r\nHoliday in Rome\r\n'
    printf -- '------rome\r\nContent-Disposition: form-data; name="picture"; filename="rome.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    cat "$LAB_DIR/www/picture.jpg"
    printf '\r\n------rome--\r\n'
}

browsing_is_untouched() {
    same_as_inside /
    same_as_inside /style.css -H 'Referer: http://shop.example/' -b 'sid=4f6c1d0be2a94b7c; theme=dark'
    same_as_inside '/item?id=7'
    same_as_inside '/search?q=red+kettle+%26+lamp&sort=price_asc&page=2'
    same_as_inside '/search?q=caf%C3%A9' -H 'Referer: http://shop.example/search?q=tea'
    same_as_inside '/file?name=prices.txt'
    same_as_inside /api/items -H 'Accept: application/json' -H 'X-Requested-With: XMLHttpRequest'
    same_as_inside /static/picture.jpg
    same_as_inside /login -d 'user=anna@example.com&password=c0rrect-Horse' -b 'sid=4f6c1d0be2a94b7c'
    same_as_inside /api/orders -H 'Content-Type: application/json' -d '{"items": [{"id": 7, "count": 2}], "note": "Ring twice"}'
    write_form >"$LAB_DIR/form"
    same_as_inside /upload -H 'Content-Type: multipart/form-data; boundary=----rome' --data-binary "@$LAB_DIR/form"
    CRS_ADDRESS=[$SERVER6] same_as_inside '/item?id=3'
}

# A sample of ordinary requests, and of the attacks of CRS's tests where they are there: the wire does what libmodsecurity does.
decisions_are_libmodsecuritys() {
    local oracle=$LAB_TOOLS/crs_oracle sample=$LAB_DIR/sample.jsonl
    [[ -x $oracle ]] || { say "no $oracle: decisions are not compared"; return; }
    "$CRS_TOOLS/ordinary" >"$LAB_DIR/ordinary.jsonl" || fail 'tests/crs/ordinary'
    # The browsers' sessions, and some of what is behind them.
    awk 'NR <= 107 || NR % 20 == 0' "$LAB_DIR/ordinary.jsonl" >"$sample"
    [[ ! -f $CRS_DATA/tests.jsonl ]] || awk 'NR % 10 == 0' "$CRS_DATA/tests.jsonl" >>"$sample"
    send_recorded "$sample"
    "$oracle" -i "$sample" "$LAB_DIR/modsecurity.conf" "$CRS_SETUP" "$CRS_RULES"/*.conf >"$LAB_DIR/decisions.jsonl" 2>"$LAB_DIR/oracle.log" ||
        fail "crs_oracle: $(tail -n 2 "$LAB_DIR/oracle.log")"
    judge_wire --decisions "$LAB_DIR/decisions.jsonl" "$sample"
}

sqlmap_finds_nothing() {
    local before
    before=$(wc -l <"$LAB_DIR/nginx/access")
    try_sqlmap refused
    grep -q 'is vulnerable\|4111-secret' "$LAB_DIR/refused.sqlmap" && fail "sqlmap got through: $(tail -n 5 "$LAB_DIR/refused.sqlmap")"
    grep -q 'do not appear to be injectable' "$LAB_DIR/refused.sqlmap" || fail "sqlmap: $(tail -n 5 "$LAB_DIR/refused.sqlmap")"
    tail -n "+$((before + 1))" "$LAB_DIR/nginx/access" | grep -qi 'union\|select' && fail "sqlmap's attacks reached nginx"
    say "sqlmap: $(grep -o '4[0-9][0-9] ([A-Z][a-z]*) - [0-9]* times' "$LAB_DIR/refused.sqlmap" | xargs)"
}

# A false positive, and the three ways in which its users write an exclusion; under traffic, which does not notice.
exclusions_are_loaded() {
    local text='comment=Tea & <script> in one sentence'
    start_shoppers
    expect_refused_page 403 /comment --data-urlencode "$text"
    expect_refused_page 403 /other --data-urlencode "$text"
    say 'SecRuleUpdateTargetByTag: not that argument'
    exclusions after 'SecRuleUpdateTargetByTag "attack-xss" "!ARGS:comment"'
    reload_sluice
    expect_status 200 /comment --data-urlencode "$text"
    expect_status 200 /other --data-urlencode "$text"
    expect_refused_page 403 /comment -d 'text=<script>alert(1)</script>'
    say 'ctl:ruleRemoveTargetByTag: not that argument of that page'
    exclusions after ''
    exclusions before \
        'SecRule REQUEST_FILENAME "@streq /comment" "id:1001,phase:1,pass,nolog,ctl:ruleRemoveTargetByTag=attack-xss;ARGS:comment"'
    reload_sluice
    expect_status 200 /comment --data-urlencode "$text"
    expect_refused_page 403 /other --data-urlencode "$text"
    say 'SecRuleUpdateTargetById and SecRuleRemoveById: what was found, by its numbers'
    exclusions before ''
    exclusions after 'SecRuleUpdateTargetById 941100-941200 "!ARGS:comment"' 'SecRuleRemoveById 941300-941999'
    reload_sluice
    expect_status 200 /other --data-urlencode "$text"
    expect_refused_page 403 /other --data-urlencode "text=<script>alert(1)</script>"
    say 'a wrong file changes nothing'
    exclusions after '# none' 'SecRuleUpdateTargetById 941100 "!ARGZ:comment"'
    expect_reload_refused 'after.conf:2:'
    expect_status 200 /other --data-urlencode "$text"
    say 'and none'
    exclusions after '# none'
    reload_sluice
    expect_refused_page 403 /other --data-urlencode "$text"
    end_shoppers
}

# What a rule says that the client is to get.
rules_say_the_answer() {
    exclusions before 'SecRule ARGS:go "@streq away" "id:1002,phase:2,log,redirect:https://example.org/login?%{ARGS.from}"' \
        'SecRule ARGS:go "@streq nowhere" "id:1003,phase:2,log,drop"' \
        'SecRule ARGS:go "@streq slow" "id:1004,phase:1,log,deny,status:429"'
    rule 20 ban "score[\"$CRS_SCORE\"] >= 20" 'ban_for = "1m";'
    reload_sluice
    expect_refused_page 302 '/?go=away&from=here'
    grep -q '^Location: https://example.org/login?here' "$LAB_DIR/answer" || fail 'no Location'
    expect_refused_page 403 '/?go=away&from=here%0d%0aSet-Cookie:x'
    grep -qi '^Set-Cookie\|^Location' "$LAB_DIR/answer" && fail 'a header out of a request'
    expect_status 000 '/?go=nowhere'
    expect_refused_page 429 '/?go=slow'
    expect_status 200 '/?go=on'
    exclusions before '# none'
}

# A rule of ours reads the score that CRS counts, and bans for it.
scores_are_shared() {
    expect_refused_page 403 '/search?q=%3Cscript%3E'
    expect_status 200 /
    expect_refused_page 403 '/search?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E&x=1%27%20UNION%20SELECT%20a,b%20FROM%20c--%20'
    patiently 5 is_banned || fail 'no ban'
    expect_status 000 / --max-time 1
    "$SLUICECTL" -s "$SOCKET" unban all >/dev/null || fail 'unban'
    expect_status 200 /
    no_rules
}

is_banned() {
    "$SLUICECTL" -s "$SOCKET" bans | grep -q "^$CLIENT4 "
}

# A body over SecRequestBodyLimit is refused; there is no rule to tell of, but an event.
long_bodies_are_refused() {
    local text
    text=$(printf '%0600d' 0)
    expect_status 200 /long -d "text=$text"
    expect_status 200 /broken-sql
    crs_setting SecRequestBodyLimit 500
    crs_setting SecResponseBodyAccess On
    reload_sluice
    expect_refused_page 403 /long -d "text=$text"
    patiently 5 told_of_long_body || fail 'no event of it'
}

told_of_long_body() {
    (($(count_events event_type=drop drop.reason=body_too_long http.url=/long) == 1))
}

# Rules on responses: what the server must not tell does not reach the client, or, where the body is longer than a segment,
# not its end.
responses_are_judged() {
    same_as_inside /
    same_as_inside '/item?id=7'
    same_as_inside /static/picture.jpg
    expect_kept_back /broken-sql 'MySQL server version'
    expect_kept_back /broken-php 'Fatal error'
    expect_cut_short /broken-long
}

# expect_kept_back PATH TEXT: the answer is ours, or none; nothing of the server's body is in it.
expect_kept_back() {
    local status
    status=$(status_of "$1")
    grep -aq -e "$2" "$LAB_DIR/answer" && fail "$1: the client reads \"$2\""
    [[ $status != 200 ]] || fail "$1: $status"
    say "$1: $status"
}

expect_cut_short() {
    browse "$CLIENT_NS" "$1" >"$LAB_DIR/answer" && fail "$1 is whole"
    grep -aq '</html>' "$LAB_DIR/answer" && fail "$1: the end arrives"
    say "$1: $(stat -c %s "$LAB_DIR/answer") bytes, and the connection ends"
}

use_"${CRS:-debians_crs}"
start_bridge
start_shop
crs_conf
say 'detection only: sqlmap finds the hole and takes what is behind it, and events tell of it'
crs_setting SecRuleEngine DetectionOnly
start_sluice
attacks_are_refused let_through
try_sqlmap passed
grep -q '4111-secret' "$LAB_DIR/passed.sqlmap" || fail "the shop has no hole: $(tail -n 5 "$LAB_DIR/passed.sqlmap")"
reached 'UNION' || fail 'sqlmap was not there'
expect_event 942100 alert.action=allowed
expect_figure 'alerts that claim to have blocked' "$(count_events alert.action=blocked)" '== 0'

say 'on: the same attacks get the page'
crs_setting SecRuleEngine On
reload_sluice
: >"$LAB_DIR/nginx/access"
attacks_are_refused expect_refused_page
sqlmap_finds_nothing
reached 'etc/passwd\|onerror\|sqlmap' && fail 'an attack is in the log of nginx'
expect_event 949110 alert.action=blocked
browsing_is_untouched
decisions_are_libmodsecuritys
exclusions_are_loaded
rules_say_the_answer
scores_are_shared
long_bodies_are_refused
responses_are_judged
say 'kill -9: traffic goes on without the rules, and the next start has them again'
kill_sluice
same_as_inside /
start_sluice
same_as_inside '/item?id=7'
expect_refused_page 403 '/file?name=../../../../etc/passwd'
expect_sluice_alive
expect_valid_events
stop_sluice
