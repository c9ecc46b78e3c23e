private import Foundation

/// Weights in Python's pickle format, which are never read: to read one is to run what it says.
enum PickledFile {
  /// Whether a file's name is one of a pickled file.
  static func isOne(_ name: String) -> Bool {
    [".ckpt", ".pt", ".pth", ".bin"].contains { name.lowercased().hasSuffix($0) }
  }

  /// What to do about pickled weights in a folder of diffusers' layout.
  static func advice(folder: String) -> String {
    let root = literal(URL(fileURLWithPath: folder).deletingLastPathComponent().path, or: "FOLDER")
    return "pickled weights can run code and are never read; convert them: python -c "
      + "\"from diffusers import DiffusionPipeline as P; "
      + "P.from_pretrained(\(root)).save_pretrained(\(root), safe_serialization=True)\""
  }

  /// The error about a pickled file that was given or found: it holds the command that converts it.
  ///
  /// A checkpoint may hold its weights under `state_dict`, and the web UI's embedding its vectors under
  /// `string_to_param`.
  static func refusal(_ path: String) -> DiffusionError {
    let stem = URL(fileURLWithPath: path).deletingPathExtension().path
    let target = literal(stem + ".safetensors", or: "FILE.safetensors")
    return .wrongFile(
      path: path, what: "a pickled file, which can run code and is never read",
      advice: "convert it: python -c \"import torch, safetensors.torch as s; "
        + "d = torch.load(\(literal(path, or: "FILE")), map_location='cpu', weights_only=True); "
        + "d = {'emb_params': d['string_to_param']['*']} if 'string_to_param' in d "
        + "else d.get('state_dict', d); s.save_file({k: v.detach().contiguous().clone() "
        + "for k, v in d.items() if isinstance(v, torch.Tensor)}, \(target))\"")
  }

  /// A path as Python's literal within a shell's double quotation marks; a path that holds what
  /// either would take for its own is left to be filled in.
  private static func literal(_ path: String, or name: String) -> String {
    path.contains { "'\"\\$`!".contains($0) } ? "'\(name)'" : "'\(path)'"
  }
}
