internal import AttentionAnalysis

/// A file format of exported arrays.
public enum ExportFormat: String, Hashable, Sendable, CaseIterable {
  /// One `.npy` per array, byte for byte what `np.save` writes.
  case npy
  /// All arrays in one `.npz`, byte for byte what `np.savez` writes.
  case npz
  /// All arrays in one `.safetensors`.
  case safetensors
  /// A Zarr v3 store, one chunk per call, with CRC-32C.
  case zarr
  /// A Zarr v2 store, one chunk per call.
  case zarr2
  /// All arrays in one NetCDF file, classic format.
  case netcdf
  /// One `.csv` per layer, one row per number.
  case csv

  /// The format of a file or a store by its name's end, where all arrays are in one; `nil` for any other
  /// name.
  public init?(ofPath path: String) {
    let name = path.split(separator: "/").last?.lowercased() ?? ""
    guard let format = Self.allCases.first(where: { $0.ending.map(name.hasSuffix) ?? false })
    else { return nil }
    self = format
  }

  /// The end of the name of a file or a store that has all arrays; `nil` where each has its own.
  public var ending: String? {
    switch self {
    case .npz: ".npz"
    case .safetensors: ".safetensors"
    case .zarr, .zarr2: ".zarr"
    case .netcdf: ".nc"
    case .npy, .csv: nil
    }
  }

  /// Whether all arrays are in a folder of their own.
  var isStore: Bool { self == .zarr || self == .zarr2 }
}
