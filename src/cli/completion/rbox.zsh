#compdef rbox
# zsh completion of rbox

_rbox() {
    local -a whole open
    local candidate about files=''
    while IFS=$'\t' read -r candidate about; do
        if [[ $candidate == :files ]]; then
            files=1
        elif [[ $candidate == *[=:,/] ]]; then
            open+=("${candidate//:/\\:}:$about")
        else
            whole+=("${candidate//:/\\:}:$about")
        fi
    done < <("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    local found=1
    (( $#whole )) && _describe -V rbox whole && found=0
    (( $#open )) && _describe -V rbox open -S '' && found=0
    if [[ -n $files ]]; then
        compset -P '*='
        _files && found=0
    fi
    return found
}

if [[ $funcstack[1] == _rbox ]]; then
    _rbox "$@"
else
    compdef _rbox rbox
fi
