// Between WebXR's axes (x right, y up, z back) and the robot's (x forward, y left, z up).

// A vector, or the vector part of a quaternion, in the robot's axes turned about z by `turn` [rad].
function axes({ x, y, z }, turn) {
  const [forward, left] = [-z, -x];
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  return [c * forward - s * left, s * forward + c * left, y];
}

// A pose as the server wants it.
export function toRobot({ position, orientation }, turn, time_s) {
  const rounded = (value) => Math.round(value * 1e5) / 1e5;
  return {
    position: axes(position, turn).map(rounded),
    orientation: [orientation.w, ...axes(orientation, turn)].map(rounded),
    time_s,
  };
}

// Where a person with this orientation looks, as an angle to the left of straight ahead [rad].
export const yawOf = ({ x, y, z, w }) => Math.atan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y));
