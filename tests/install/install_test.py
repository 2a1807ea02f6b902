"""Installs the build into a folder of its own and uses what is there: the program, the library from another project,
man pages and completion.

    install_test.py BUILD_FOLDER SOURCE_FOLDER CMAKE
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE, CMAKE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve(), sys.argv[3]
MODEL = SOURCE / "tests/network/data/model_i1x2x3_l4-3_o2.pt"
IMAGE = SOURCE / "examples/fashion-mnist-0.png"


def run(*words, code=0, **more):
    answer = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=500, **more)
    if answer.returncode != code:
        raise AssertionError(f"{words} ended with {answer.returncode}: {answer.stdout}{answer.stderr}")
    return answer.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.temporary.name)
        cls.prefix = cls.root / "prefix"
        run(CMAKE, "--install", BUILD, "--prefix", cls.prefix)
        cls.program = cls.prefix / "bin/verissim"

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def commands(self):
        text = run(self.program, "--help")
        return re.findall(r"^  ([a-z]+) ", text[text.index("ubcommands:") :], re.MULTILINE)

    def test_version_tells_the_build(self):
        text = run(self.program, "--version")
        for part in (r"^verissim \d+\.\d+\.\d+$", "^compiler .+, build type .+$", "OpenBLAS", "GMP", "^training and repair: "):
            self.assertRegex(text, re.compile(part, re.MULTILINE))

    def test_another_project_finds_the_package(self):
        build = self.root / "consumer"
        run(CMAKE, "-S", SOURCE / "tests/install/consumer", "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DEXAMPLE={SOURCE / 'examples/cpp/verify.cpp'}", "-DCMAKE_BUILD_TYPE=Release")
        run(CMAKE, "--build", build)
        told = run(build / "consumer", MODEL, IMAGE, 0, "0.999")
        self.assertRegex(told, r"^(robust|not robust) \(.+\), margin bound ")
        verdict = told.split(" (")[0]
        question = ["--model", MODEL, "--image", IMAGE, "--class", 0, "--ssim", "0.999", "--quiet"]
        run(self.program, "verify", *question, code=20 if verdict == "robust" else 10)

    def test_every_command_has_a_man_page_that_troff_accepts(self):
        folder = self.prefix / "share/man/man1"
        pages = {page.name for page in folder.iterdir()}
        self.assertEqual(pages, {"verissim.1"} | {f"verissim-{name}.1" for name in [*self.commands(), "check"]})
        for page in pages:
            self.assertIn(".SH SYNOPSIS", (folder / page).read_text())
            if shutil.which("groff"):
                words = ["groff", "-ww", "-man", "-Tascii", folder / page]
                answer = subprocess.run(words, capture_output=True, text=True)
                self.assertEqual(answer.stderr, "")
        self.assertIn("\\-\\-model", (folder / "verissim-verify.1").read_text())

    def complete(self, *words, program="verissim"):
        script, function = self.prefix / "share/bash-completion/completions" / program, "_" + program.replace("-", "_")
        line = f'source {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); {function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        return run("bash", "-c", line, "bash", program, *words).split()

    def test_the_checkers_pages_say_what_its_help_says(self):
        """They have a source of their own: the checker shares none with the rest."""
        told = run(self.prefix / "bin/verissim-check", "--help")
        usage = " ".join(told.split("\n\n")[0].split())
        page = (self.prefix / "share/man/man1/verissim-check.1").read_text()
        plain = re.sub(r"\\f[BIR]", "", page).replace("\\-", "-")
        synopsis = re.search(r"\.SH SYNOPSIS\n(.*?)\n\.SH", plain, re.DOTALL).group(1)
        self.assertEqual("usage: " + " ".join(synopsis.split()), usage)
        version = run(self.program, "--version").split()[1]
        self.assertIn(f'"verissim {version}"', plain)

        options = dict(re.findall(r"(--[a-z]+) ([A-Z,]+|[a-z0-9]+\|[a-z0-9]+)", usage))
        self.assertGreaterEqual(set(options), {"--model", "--image", "--class", "--ssim"})
        described = re.findall(r"^\.TP\n(--[a-z]+)(?: ([A-Z,]+|[a-z0-9]+\|[a-z0-9]+)|, -h)$", plain, re.MULTILINE)
        self.assertEqual(dict(described), {**options, "--help": ""})
        codes = re.search(r"Exit code: (.*)\.", told).group(1)
        listed = re.findall(r"^\.TP\n([0-9]+)$", plain, re.MULTILINE)
        self.assertEqual(set(listed), set(re.findall(r"[0-9]+", codes)) | {"0"})

        words = set(options) | {"--help", "-h"}
        self.assertEqual(set(self.complete("-", program="verissim-check")), words)
        self.assertEqual(self.complete("--model", str(MODEL)[:-1], program="verissim-check"), [str(MODEL)])
        self.assertEqual(self.complete(str(MODEL)[:-1], program="verissim-check"), [str(MODEL)])
        self.assertEqual(self.complete("--ssim", "", program="verissim-check"), [])
        self.assertEqual(self.complete("--arithmetic", "f", program="verissim-check"), ["float32"])
        zsh = (self.prefix / "share/zsh/site-functions/_verissim-check").read_text()
        fish = (self.prefix / "share/fish/vendor_completions.d/verissim-check.fish").read_text()
        for option in words - {"-h"}:
            self.assertIn(option, zsh)
            self.assertIn(f" -l {option[2:]} ", fish)
        self.assertEqual(len(re.findall(r" -l ", fish)), len(words) - 1)

    def test_bash_completes(self):
        self.assertEqual(self.complete("thr"), ["threshold"])
        self.assertEqual(set(self.commands()) - set(self.complete("")), set())
        self.assertEqual(self.complete("verify", "--mod"), ["--model"])
        self.assertEqual(self.complete("verify", "--channels", "m"), ["mean"])
        self.assertEqual(self.complete("verify", "--threads", ""), [])
        self.assertEqual(self.complete("verify", "--model", str(MODEL)[:-1]), [str(MODEL)])

    @unittest.skipUnless(shutil.which("dpkg-deb") and shutil.which("dpkg-shlibdeps"), "no tools for Debian packages")
    def test_debian_packages(self):
        folder = self.root / "packages"
        cpack = pathlib.Path(CMAKE).resolve().with_name("cpack")
        run(cpack, "--config", BUILD / "CPackConfig.cmake", "-G", "DEB", "-B", folder, cwd=BUILD)
        packages = {}
        for file in folder.glob("*.deb"):
            text = run("dpkg-deb", "--field", file)
            fields = dict(re.findall(r"^([A-Z][\w-]+): (.*)$", text, re.MULTILINE))
            packages[fields["Package"]] = (file, fields)
            self.assertRegex(fields["Maintainer"], r"^The Verissim developers <\S+@\S+\.\S+>$")
        self.assertIn("verissim", packages)
        file, fields = packages["verissim"]
        self.assertIn("libgmp", fields["Depends"])
        self.assertNotIn("torch", fields["Depends"])
        root = self.root / "root"
        run("dpkg-deb", "--extract", file, root)
        question = ["--model", MODEL, "--image", IMAGE, "--class", 0, "--ssim", "0.999", "--quiet"]
        answer = subprocess.run([root / "usr/bin/verissim", "verify", *map(str, question)], capture_output=True, text=True)
        self.assertIn(answer.returncode, (10, 20), answer.stderr)
        self.assertIn("usage: verissim-check", run(root / "usr/bin/verissim-check", "--help"))
        self.assertEqual(list(root.rglob("verissim_torch*")), [])
        if "verissim-training" in packages:
            file, fields = packages["verissim-training"]
            self.assertIn("torch", fields["Depends"])
            self.assertRegex(fields["Depends"], r"\bverissim \(= ")
            run("dpkg-deb", "--extract", file, root)
            self.assertEqual(len(list(root.rglob("*verissim_torch.so"))), 1)

    def test_other_shells_accept_their_files(self):
        files = {"zsh": "share/zsh/site-functions/_verissim", "fish": "share/fish/vendor_completions.d/verissim.fish"}
        for shell, name in files.items():
            if shutil.which(shell):
                run(shell, "-n", self.prefix / name.replace("verissim", "verissim-check"))
            text = (self.prefix / name).read_text()
            for command in self.commands():
                self.assertIn(command, text)
            if shutil.which(shell):
                run(shell, "-n", self.prefix / name)
        if shutil.which("fish"):
            line = f"source {self.prefix / files['fish']}; complete -C 'verissim verify --chan'"
            self.assertIn("--channels", run("fish", "--no-config", "-c", line))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
