"""Files that start something by themselves, as data.

A file is listed if a program reads it unasked and runs, loads or obeys what stands in it: when a folder is opened
or entered, a tool or an interpreter is started, a commit is made, something is pushed or installed. Code and build
scripts that run because somebody asks for that very thing (`setup.py`, a Makefile) are not. Each group ends with
the pages of the programs' own documentation that tell what they read. All names are in lower case.
"""

from __future__ import annotations

from typing import Final

_TESTS = "conftest.py pytest.ini .pytest.ini pytest.toml .pytest.toml tox.ini"
# pytest "Configuration"; tox "Configuration"

_INTERPRETERS = """
    sitecustomize.py usercustomize.py pyvenv.cfg .pdbrc ipython_config.py jupyter_config.py
    jupyter_server_config.py jupyter_notebook_config.py jupyter_lab_config.py .rprofile .renviron .irbrc
    .pryrc .rspec .perldb .ghci .ocamlinit .iex.exs .phpdbginit .user.ini .sbtopts .jvmopts
"""
# Python "site", "pdb"; Jupyter "Config file and command line options"; R "Startup"; irb; pry; rspec;
# perldebug; ghc "The .ghci and .haskeline files"; OCaml "The toplevel system"; iex; PHP ".user.ini files";
# sbt

_TOOLS = """
    .gdbinit .gdbearlyinit .lldbinit .cargo/config .cargo/config.toml .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs
    .pnpmfile.mjs .pnp.cjs .pnp.loader.mjs bunfig.toml .bazelrc .bazeliskrc .mvn/extensions.xml
    .mvn/jvm.config .mvn/maven.config init.gradle init.gradle.kts nuget.config directory.build.rsp msbuild.rsp
    .bundle/config .gitmodules .gitconfig
"""
# GDB "Init File in the Current Directory"; LLDB; Cargo "Configuration"; npm "npmrc"; Yarn "yarnPath"; pnpm
# ".pnpmfile.cjs"; Bun "bunfig.toml"; Bazel ".bazelrc"; Maven "Configuring Apache Maven"; Gradle
# "Initialization Scripts"; MSBuild "Response files"; Bundler "config"; git "gitmodules"

_SHELLS = """
    .envrc .autoenv .autoenv.zsh .bashrc .bash_profile .bash_login .bash_logout .profile .zshrc .zshenv
    .zprofile .zlogin .zlogout .kshrc .cshrc .tcshrc .login config.fish mise.toml .mise.toml .config/mise.toml
    .rtx.toml devbox.json devenv.nix devenv.yaml
"""
# direnv "direnv.toml", "stdlib"; mise "Configuration", "Hooks"; Devbox "devbox.json"; devenv "Files and
# Variables"; the manuals of bash, zsh, ksh, tcsh and fish

_EDITORS = """
    .vimrc .gvimrc .exrc .nexrc .nvimrc .nvim.lua .lvimrc .lazy.lua .dir-locals.el .dir-locals-2.el .emacs
    .devcontainer.json .gitpod.yml .gitpod.dockerfile .replit replit.nix
"""
# Vim and Neovim "'exrc'"; Emacs "Per-Directory Local Variables"; Development Containers "lifecycle scripts";
# Gitpod; Replit; VS Code "Tasks" (runOn: folderOpen), "Workspace Trust"; JetBrains "Run configurations",
# "Trusted projects"

_AGENTS = """
    .mcp.json mcp.json mcp_config.json .claude.json claude.md claude.local.md agents.md agents.override.md
    gemini.md qwen.md crush.md .cursorrules .windsurfrules .clinerules .roorules .roomodes .goosehints
    .aider.conf.yml opencode.json opencode.jsonc crush.json .crush.json .github/copilot-instructions.md
"""
# Claude Code "Settings", "Hooks"; Model Context Protocol; AGENTS.md; Gemini CLI "Configuration"; Cursor
# "Rules"; Windsurf; Cline; Roo Code; Goose; Aider "YAML config file"; OpenCode "Config"; GitHub Copilot
# "Custom instructions"

_HOOKS = """
    .pre-commit-config.yaml .pre-commit-hooks.yaml prek.toml .overcommit.yml captainhook.json grumphp.yml
    grumphp.yml.dist hk.pkl .hgrc
"""
# pre-commit; lefthook "Configuration"; husky; Overcommit; CaptainHook; GrumPHP; hk; lint-staged;
# simple-git-hooks

_CI = """
    jenkinsfile .travis.yml azure-pipelines.yml azure-pipelines.yaml bitbucket-pipelines.yml appveyor.yml
    .appveyor.yml .drone.yml .drone.yaml .drone.jsonnet .drone.star .woodpecker.yml .woodpecker.yaml
    .cirrus.yml .cirrus.star cloudbuild.yaml cloudbuild.yml cloudbuild.json buildspec.yml buildspec.yaml
    codemagic.yaml bitrise.yml wercker.yml .build.yml .zuul.yaml zuul.yaml .vela.yml screwdriver.yaml
    .prow.yaml .scrutinizer.yml .readthedocs.yml .readthedocs.yaml netlify.toml vercel.json render.yaml
    amplify.yml heroku.yml .mergify.yml .github/dependabot.yml .github/dependabot.yaml renovate.json
    renovate.json5 .renovaterc .renovaterc.json .onedev-buildspec.yml
"""
# GitHub, Gitea and Forgejo "Actions"; GitLab "CI/CD YAML syntax"; CircleCI; Buildkite; Drone; Woodpecker;
# Cirrus CI; Cloud Build; CodeBuild; builds.sr.ht; Zuul; TeamCity; Tekton "Pipelines as Code"; Read the Docs
# "Configuration file"; Netlify; Vercel; Render; Renovate; Dependabot; OneDev

_DEPENDENCIES = """
    poetry.lock uv.lock pdm.lock pipfile.lock pylock.toml package-lock.json npm-shrinkwrap.json yarn.lock
    pnpm-lock.yaml bun.lock bun.lockb cargo.lock go.sum gemfile.lock composer.lock packages.lock.json
    gradle.lockfile mix.lock flake.lock
"""
# What the next install brings, pinned to what somebody has looked at.

_LISTED = (
    f"{_TESTS} {_INTERPRETERS} {_TOOLS} {_SHELLS} {_EDITORS} {_AGENTS} {_HOOKS} {_CI} {_DEPENDENCIES}".split()
)

NAMES: Final = frozenset(name for name in _LISTED if "/" not in name)
"""Files guarded wherever they lie."""

SUFFIXES: Final = (
    *(f"/{name}" for name in _LISTED if "/" in name),
    *(".pth", ".code-workspace", ".gitlab-ci.yml", ".gitlab-ci.yaml", "-gdb.py", "-gdb.gdb"),
)
"""How guarded paths end: files of certain folders, import lines of site-packages, workspaces of editors,
pipelines, scripts that a debugger loads beside a program.
"""

PATTERNS: Final = (
    *("*.dist-info", "*.egg-info", "mise.*.toml", ".mise.*.toml", "jenkinsfile.*", "azure-pipelines[-.]*"),
    *("lefthook.*", ".lefthook.*", "lefthook-local.*", ".lefthook-local.*", ".huskyrc*", "husky.config.*"),
    *(".lintstagedrc*", "lint-staged.config.*", "simple-git-hooks.*", ".simple-git-hooks.*"),
)
"""Shapes of guarded names, of files and folders."""

FOLDERS: Final = (
    # CI
    *(".github/workflows", ".github/actions", ".gitea", ".forgejo", ".gitlab", ".circleci", ".buildkite", ".ci"),
    *(".woodpecker", ".teamcity", ".semaphore", ".tekton", ".builds", ".azure-pipelines", ".azuredevops"),
    *(".jenkins", ".harness", ".zuul.d", "zuul.d"),
    # version control and its hooks
    *(".git", ".hg", ".svn", ".jj", ".sl", ".husky", ".githooks", ".git-hooks", ".lefthook", ".github/hooks"),
    # editors
    *(".vscode", ".vs", ".idea", ".run", ".devcontainer", ".zed", ".fleet", ".nova", ".helix", ".theia", ".idx"),
    *(".vim", ".nvim", ".emacs.d", ".codesandbox", ".externaltoolbuilders"),
    # agents
    *(".claude", ".claude-plugin", ".cursor", ".codex", ".gemini", ".qwen", ".windsurf", ".continue", ".cline"),
    *(".clinerules", ".roo", ".kilocode", ".kiro", ".amazonq", ".augment", ".junie", ".trae", ".opencode"),
    *(".crush", ".openhands", ".agents", ".factory", ".github/instructions", ".github/prompts", ".github/agents"),
    # shells, tools and interpreters
    *(".mise", ".config/mise", ".config/fish", ".config/git", ".config/nvim", ".direnv", ".yarn", ".ipython"),
    *(".jupyter", ".mvn/wrapper", "gradle/wrapper"),
    # log-in and start-up, where the tree is somebody's home or a copy of it
    *(".ssh", ".config/autostart", ".config/systemd", ".config/environment.d", "library/launchagents"),
)
"""Folders all of whose files are guarded, at any depth."""

PACKAGE_SCRIPTS: Final = (
    *("preinstall", "install", "postinstall", "prepublish"),
    *("preprepare", "prepare", "postprepare", "dependencies"),
)
"""Scripts of a package.json that an install runs unasked: npm "Scripts", "Life Cycle Operation Order"."""

PACKAGE_HOOKS: Final = ("husky", "simple-git-hooks", "lint-staged", "pre-commit", "pre-push", "gitHooks")
"""Sections of a package.json that hold git hooks."""
