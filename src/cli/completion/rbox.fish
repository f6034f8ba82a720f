# fish completion of rbox

function __rbox_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = :files
            set -l flag (string match -r '^--[^=]*=' -- "$current")
            set -l path (string replace -r '^--[^=]*=' '' -- "$current")
            for file in (__fish_complete_path "$path")
                echo "$flag$file"
            end
        else
            echo $line
        end
    end
end

complete -c rbox -f -a '(__rbox_complete)'
