# bash completion of rbox

_rbox() {
    local program=${COMP_WORDS[0]/#\~/$HOME} words=() word joined='' candidate current known
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        # bash ends a word at = and :, rbox does not
        if [[ ${#words[@]} -gt 0 && -n $word && ( -n $joined || $word == [=:]* ) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        [[ $word == *[=:] ]] && joined=1 || joined=''
    done
    current=${words[-1]}
    known=${current%"${current##*[=:]}"}
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == :files ]]; then
            compopt -o default
        else
            COMPREPLY+=("${candidate#"$known"}")
        fi
    done < <("$program" __complete "${words[@]}" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:,/] ]]; then
        compopt -o nospace
    fi
}

complete -F _rbox rbox
