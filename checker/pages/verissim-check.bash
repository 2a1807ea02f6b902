# Completion of verissim-check's options for bash.
_verissim_check() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    COMPREPLY=()
    case $previous in
        --arithmetic) mapfile -t COMPREPLY < <(compgen -W 'exact float32' -- "$word"); return ;;
        --class|--ssim|--dimension) return ;;
        --model|--image) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--model --image --class --ssim --arithmetic --dimension --help -h' -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}
complete -o filenames -F _verissim_check verissim-check
