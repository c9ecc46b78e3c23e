import Glibc
import TensorEngine

/// Prints a text; in a terminal, what a prompt or a name holds cannot steer it.
///
/// Into files and pipes goes what there is, byte for byte.
func print(_ text: String, terminator: String = "\n") {
  let isTerminal = isatty(STDOUT_FILENO) != 0
  Swift.print(isTerminal ? PlainText.lines(text) : text, terminator: terminator)
}
