-- Health of an Allocation, a TradingBot or a GridBot for Argo CD: one check for all three.
-- It reads the conditions that kstatus reads, so that Argo CD and Flux agree, and adds Suspended.
-- It needs no library of Lua: Argo CD gives none to a check from its ConfigMap.

local metadata = obj.metadata or {}
local spec = obj.spec or {}
local status = obj.status or {}

local found = {}
for _, condition in ipairs(status.conditions or {}) do
  if condition.type ~= nil then
    found[condition.type] = condition
  end
end

local function is_true(kind)
  return found[kind] ~= nil and found[kind].status == "True"
end

local function message_of(kind)
  return found[kind] ~= nil and found[kind].message or ""
end

local function health(verdict, message)
  return { status = verdict, message = message }
end

if metadata.deletionTimestamp ~= nil then
  return health("Progressing", "Pending deletion")
end
if status.observedGeneration == nil or status.observedGeneration ~= metadata.generation then
  return health("Progressing", "Waiting for the operator to look at it")
end
if is_true("Stalled") then
  return health("Degraded", message_of("Stalled"))
end
if is_true("Reconciling") or not is_true("Ready") then
  return health("Progressing", message_of("Ready"))
end

-- Ready, but told not to trade: the kill switch of an Allocation, the same seen by its bots, or
-- a bot's own state.
for _, halt in ipairs({ "Halted", "TradingHalted" }) do
  if is_true(halt) then
    return health("Suspended", message_of(halt))
  end
end
if spec.state == "Stopped" and status.phase == "Stopped" then
  return health("Suspended", message_of("Ready"))
end
return health("Healthy", message_of("Ready"))
