export function startHeadset() {}
