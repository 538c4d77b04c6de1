package cli

// completionCommand prints what makes a shell complete command lines of vaws.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

// Help is shown below the summary.
func (completionCommand) Help() string {
	return `Profiles, roles, commands and flags are completed without asking Vault or the keyring. Put one of these into the shell's start-up file:

    source <(vaws completion bash)    # ~/.bashrc
    source <(vaws completion zsh)     # ~/.zshrc, after compinit
    vaws completion fish | source     # ~/.config/fish/config.fish
    vaws completion powershell | Out-String | Invoke-Expression  # $PROFILE`
}

// Run prints the script.
func (c completionCommand) Run(s *session) error {
	return s.answer([]byte(completionScripts[c.Shell]))
}

// completionScripts ask "vaws __complete SHELL WORD…" what could stand in the place of
// the last word. The first line of its answer says what it is: "words", which follow;
// "files"; or "command N": from word N on it is the line of another command.
var completionScripts = map[string]string{
	"bash":       bashCompletion,
	"zsh":        zshCompletion,
	"fish":       fishCompletion,
	"powershell": powershellCompletion,
}

// bash splits words at COMP_WORDBREAKS, so vaws splits the line itself. The bash of
// macOS (3.2) has no compopt, and completes no files then.
const bashCompletion = `# bash completion of vaws
_vaws() {
    local answer word
    COMPREPLY=()
    answer=$(vaws __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null) || return 0
    case $answer in
    files*) compopt -o default 2>/dev/null ;;
    command*) _vaws_command "${answer#command }" ;;
    words*)
        while IFS= read -r word; do
            COMPREPLY+=("$word")
        done <<<"${answer#words}"
        unset 'COMPREPLY[0]'
        ;;
    esac
    return 0
}

_vaws_command() {
    local word
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$1"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif ((COMP_CWORD > $1)); then
        compopt -o default 2>/dev/null
    else
        while IFS= read -r word; do
            COMPREPLY+=("$word")
        done < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
    fi
}

complete -F _vaws vaws
`

const zshCompletion = `#compdef vaws
# zsh completion of vaws
_vaws() {
    local -a answer
    answer=("${(@f)$(vaws __complete zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    case $answer[1] in
    files)
        compset -P '--*='
        _files
        ;;
    command*)
        local first=${answer[1]#command }
        words=("${(@)words[first+1,-1]}")
        ((CURRENT -= first))
        _normal
        ;;
    words)
        shift answer
        ((${#answer})) && _describe -t vaws vaws answer
        ;;
    esac
}
if [[ $funcstack[1] == _vaws ]]; then
    _vaws "$@"
else
    compdef _vaws vaws
fi
`

const fishCompletion = `# fish completion of vaws
function __vaws_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    set -l answer (vaws __complete fish $words "$current" 2>/dev/null)
    or return
    switch "$answer[1]"
        case files
            __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current")
        case 'command *'
            set -l first (string replace 'command ' '' -- $answer[1])
            set -l line
            if test $first -le (count $words)
                set line (string escape -- $words[$first..-1])
            end
            set -a line "$current"
            complete -C "$line"
        case words
            set -e answer[1]
            printf '%s\n' $answer
    end
end
complete -c vaws -f -a '(__vaws_complete)'
`

// Windows PowerShell drops empty arguments, so the word in question has a mark. Where
// nothing is answered, PowerShell completes files.
const powershellCompletion = `# PowerShell completion of vaws
Register-ArgumentCompleter -Native -CommandName vaws -ScriptBlock {
    param($current, $line, $position)
    $words = @($line.CommandElements | Where-Object { $_.Extent.EndOffset -lt $position } | Select-Object -Skip 1 |
        ForEach-Object { if ($_.Value) { $_.Value } else { "$_" } })
    $answer = @(vaws __complete powershell @words "=$current" 2>$null)
    if ($answer[0] -ne 'words') { return }
    $answer | Select-Object -Skip 1 | ForEach-Object {
        $text, $about = $_ -split "` + "`" + `t", 2
        if (-not $about) { $about = $text }
        [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $about)
    }
}
`
