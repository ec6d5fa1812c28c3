"""Every language: its names, the files it is kept in, the tags of its fences, and who reads it.

Trust was measured on valid files of well-known projects: "strict" means under 1 % of them were flagged, so an
error fails the answer; "delta" means more were, mostly because of macros and of syntax newer than the grammar,
so only what the answer newly broke counts; "off" means the grammar flags so much that it says nothing.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Trust: TypeAlias = Literal["strict", "delta", "off"]
Use: TypeAlias = Literal["code", "commands", "prose"]


class Language(NamedTuple):
    """A language by its common name.

    What surely is in it: `aliases` are other names of it, in lower case, `suffixes` and `files` what its files
    end in and are called. What is merely taken for it, where an answer is read: fence `tags`, and `like_files`
    in lower case. A fence or a path of a dialect names the language of its `family` instead. `usual` is the
    extension of a new file, without the dot. `use`: its blocks are more often "commands" to type than files to
    save, or it is "prose" in which any text is valid.

    `reader` is "python", "json", "jsonc", "jsonl", "toml", "yaml" or "markdown" for those read by code of their
    own, "tree-sitter", or empty where nobody can judge it; `trust` is how far an error it reports can be
    believed. `module` and `entry` name the grammar's package and its function, `extra` one that is not installed
    with escalator. `conditional`: lines starting with "#if" may hide brackets from a reader that takes both
    branches.
    """

    name: str
    aliases: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    like_files: tuple[str, ...] = ()
    family: str = ""
    usual: str = ""
    use: Use = "code"
    reader: str = ""
    trust: Trust = "strict"
    module: str = ""
    entry: str = "language"
    extra: bool = False
    conditional: bool = False

    @property
    def settles(self) -> bool:
        """Whether its grammar may settle what an answer means: it comes with escalator and is to be believed."""
        return bool(self.module) and not self.extra and self.trust != "off"


def _language(
    name: str,
    suffixes: str = "",
    *,
    aliases: str = "",
    tags: str = "",
    files: str = "",
    like_files: str = "",
    usual: str = "",
    family: str = "",
    use: Use = "code",
    reader: str = "",
    grammar: str = "",
    entry: str = "language",
    trust: Trust = "strict",
    extra: bool = False,
    conditional: bool = False,
) -> Language:
    """A row of words separated by spaces; `grammar` is its package without the "tree_sitter_" in front."""
    return Language(
        name=name,
        aliases=tuple(aliases.split()),
        suffixes=tuple(suffixes.split()),
        files=tuple(files.split()),
        tags=tuple(tags.split()),
        like_files=tuple(like_files.split()),
        family=family or name,
        usual=usual or name,
        use=use,
        reader=reader or ("tree-sitter" if grammar else ""),
        trust=trust,
        module=f"tree_sitter_{grammar}" if grammar else "",
        entry=entry,
        extra=extra,
        conditional=conditional,
    )


EVERY_LANGUAGE: tuple[Language, ...] = (
    _language(
        "python",
        ".py .pyi .pyw",
        aliases="py python3",
        tags="python2 cython sage",
        like_files="build",
        usual="py",
        reader="python",
        grammar="python",
    ),
    _language("json", ".json .geojson .webmanifest .ipynb .har .avsc", reader="json"),
    _language(
        "jsonc",
        ".jsonc .code-workspace",
        tags="json5",
        files=".babelrc .eslintrc tsconfig.json jsconfig.json devcontainer.json .eslintrc.json",
        family="json",
        reader="jsonc",
    ),
    _language("jsonl", ".jsonl .ndjson", reader="jsonl"),
    _language("toml", ".toml", files="Pipfile Cargo.lock poetry.lock uv.lock", reader="toml"),
    _language("yaml", ".yaml .yml", aliases="yml", reader="yaml"),
    _language("markdown", ".md .markdown", tags="mdx mkd rmd", usual="md", use="prose", reader="markdown"),
    _language(
        "javascript",
        ".js .mjs .cjs .jsx",
        aliases="js node jsx",
        tags="ecmascript es6 javascriptreact",
        usual="js",
        grammar="javascript",
    ),
    _language(
        "typescript",
        ".ts .mts .cts",
        aliases="ts",
        usual="ts",
        grammar="typescript",
        entry="language_typescript",
    ),
    _language("tsx", ".tsx", tags="typescriptreact", grammar="typescript", entry="language_tsx"),
    _language(
        "declaration", family="typescript", grammar="typescript", entry="language_typescript", trust="delta"
    ),
    _language("go", ".go", aliases="golang", grammar="go"),
    _language("rust", ".rs", aliases="rs", usual="rs", grammar="rust"),
    _language("java", ".java", grammar="java"),
    _language(
        "ruby",
        ".rb .rake .gemspec",
        aliases="rb",
        files="Gemfile Rakefile",
        like_files="vagrantfile",
        usual="rb",
        grammar="ruby",
    ),
    _language("php", ".php", grammar="php", entry="language_php"),
    _language("c", ".c .h", grammar="c", trust="delta", conditional=True),
    _language(
        "cpp",
        ".cpp .cc .cxx .c++ .hpp .hh .hxx .ipp",
        aliases="c++ cxx",
        tags="cplusplus ino arduino cuda cu",
        grammar="cpp",
        trust="delta",
        conditional=True,
    ),
    _language(
        "csharp",
        ".cs",
        aliases="c# cs c_sharp c-sharp",
        usual="cs",
        grammar="c_sharp",
        trust="delta",
        conditional=True,
    ),
    _language(
        "bash",
        ".sh .bash",
        aliases="sh shell dash",
        tags="zsh ksh fish ash",
        usual="sh",
        use="commands",
        grammar="bash",
        trust="delta",
    ),
    _language("css", ".css", grammar="css", trust="delta"),
    _language("kotlin", ".kt .kts", aliases="kt", usual="kt", grammar="kotlin", trust="delta", extra=True),
    _language("swift", ".swift", grammar="swift", extra=True),
    _language("scala", ".scala .sbt", tags="sc", grammar="scala", extra=True),
    _language("lua", ".lua", grammar="lua", extra=True),
    _language("haskell", ".hs", aliases="hs", usual="hs", grammar="haskell", trust="delta", extra=True),
    _language("zig", ".zig", grammar="zig", trust="delta", extra=True),
    _language("html", ".html .htm", tags="xhtml", grammar="html", trust="off"),
    _language(
        "sql",
        ".sql",
        tags="mysql postgresql postgres pgsql plpgsql sqlite tsql psql",
        grammar="sql",
        trust="off",
        extra=True,
    ),
    _language("perl", ".pl .pm", usual="pl"),
    _language("r", ".r", tags="rscript"),
    _language("julia", ".jl", usual="jl"),
    _language("elixir", ".ex .exs", usual="ex"),
    _language("erlang", ".erl", usual="erl"),
    _language("clojure", ".clj .cljs .edn", usual="clj"),
    _language("dart", ".dart"),
    _language("objc", ".mm", tags="objective-c objectivec", usual="m"),
    _language("fsharp", ".fs", tags="f#", usual="fs"),
    _language(
        "console",
        tags="shell-session shellsession terminal sh-session bash-session",
        usual="sh",
        use="commands",
    ),
    _language("powershell", ".ps1 .psm1", tags="pwsh", usual="ps1", use="commands"),
    _language("batch", ".bat .cmd", tags="dosbatch", usual="bat", use="commands"),
    _language("xml", ".xml .svg .xsd .xsl .xslt .plist .rss"),
    _language("vue", ".vue"),
    _language("svelte", ".svelte"),
    _language("astro", ".astro"),
    _language(
        "templates", tags="jinja jinja2 j2 django twig hbs handlebars mustache ejs erb liquid njk", usual="j2"
    ),
    _language("scss", ".scss .sass .less"),
    _language("ini", ".ini .cfg .conf .properties .env", tags="dotenv editorconfig"),
    _language("rst", ".rst", tags="restructuredtext", use="prose"),
    _language("latex", ".tex", usual="tex", use="prose"),
    _language(
        "text",
        ".txt",
        tags="plaintext plain none",
        like_files="procfile license readme changelog go.mod codeowners",
        usual="txt",
        use="prose",
    ),
    _language("output", ".out .log", tags="stdout stderr traceback", usual="txt", use="prose"),
    _language("csv", ".csv .tsv", use="prose"),
    _language("diff", ".diff .patch", tags="udiff"),
    _language("dockerfile", tags="docker containerfile", like_files="dockerfile containerfile"),
    _language("makefile", ".mk .make", tags="gnumake", like_files="makefile gnumakefile justfile", usual="mk"),
    _language("cmake", ".cmake", like_files="cmakelists.txt"),
    _language("terraform", ".tf .hcl .tfvars", usual="tf"),
    _language("graphql", ".graphql .gql"),
    _language("proto", ".proto", tags="protobuf proto3"),
    _language("nix", ".nix"),
    _language("vim", ".vim", tags="viml"),
    _language("asm", ".asm .s", tags="nasm"),
    _language("solidity", ".sol", usual="sol"),
    _language("gradle", ".gradle .groovy", like_files="jenkinsfile"),
    _language("mermaid", ".mermaid"),
)

LANGUAGES: dict[str, Language] = {language.name: language for language in EVERY_LANGUAGE if language.reader}
"""Every language that can be judged, by name."""

_BY_NAME = {
    word: language for language in EVERY_LANGUAGE for word in (language.name, *language.aliases) if language.reader
}


def named(name: str) -> Language | None:
    """The language of this name or common alias ("C++", "golang", "shell"), None if nobody can judge it."""
    return _BY_NAME.get(name.strip().lower())
