//! The simulated systems of a stage: a NetBox, an engine for each machine that has one, everything declared running.

use std::collections::BTreeMap;

use evenkeel_lab::docker::{Container, DockerLab};
use evenkeel_lab::homelab;
use evenkeel_lab::inventory::{CustomField, Inventory, ObjectRef, Service};
use evenkeel_lab::netbox::{NetboxLab, NetboxVersion};
use serde_json::Value;

/// The systems; they end when this is dropped.
#[derive(Debug)]
pub struct Lab {
    /// What should exist.
    pub netbox: NetboxLab,
    /// What does exist, by machine.
    pub engines: BTreeMap<String, DockerLab>,
}

impl Lab {
    /// A NetBox that knows these active machines with these services, and an engine for each on which they run.
    pub async fn small(hosts: &[(&str, &[(&str, u16)])]) -> Self {
        let netbox = NetboxLab::start(empty_inventory(), NetboxVersion::V4_5).await.unwrap();
        let mut lab = Self { netbox, engines: BTreeMap::new() };
        for (host, services) in hosts {
            lab.declare_host(host, services);
            lab.add_engine(host).await;
            for (service, port) in *services {
                lab.engine(host).run(container(host, service, *port));
            }
        }
        lab
    }

    /// The reference inventory, and an engine on each of these machines with what must run there running.
    pub async fn reference(engines: &[&str]) -> Self {
        let inventory = Inventory::reference();
        let netbox = NetboxLab::start(inventory.clone(), NetboxVersion::V4_5).await.unwrap();
        let mut lab = Self { netbox, engines: BTreeMap::new() };
        for host in engines {
            lab.add_engine(host).await;
            for service in declared_on(&inventory, host) {
                lab.engine(host).run(homelab::container(host, service));
            }
        }
        lab
    }

    /// Declares an active machine with services, on which nothing runs.
    pub fn declare_host(&self, host: &str, services: &[(&str, u16)]) {
        let netbox = self.netbox.netbox();
        let vm = netbox.add_vm(host, |_| {});
        for (service, port) in services {
            netbox.add_service(ObjectRef::vm(vm), service, &[u32::from(*port)], |_| {});
        }
    }

    /// Declares one more service on a virtual machine.
    pub fn declare(&self, host: &str, service: &str, port: u16) {
        let netbox = self.netbox.netbox();
        let vm = ObjectRef::vm(netbox.vm(host).expect("a declared virtual machine"));
        netbox.add_service(vm, service, &[u32::from(port)], |_| {});
    }

    /// Sets or takes away the endpoint of a machine's engine in NetBox.
    pub fn declare_endpoint(&self, host: &str, endpoint: Option<&str>) {
        let value = endpoint.map_or(Value::Null, Value::from);
        let edited = self.netbox.netbox().edit_host(host, |host| {
            host.custom_fields.insert("docker_endpoint".to_owned(), value);
        });
        assert!(edited, "{host} is declared");
    }

    /// One more engine, without containers.
    pub async fn add_engine(&mut self, host: &str) {
        let engine = DockerLab::start(host).await.unwrap();
        self.engines.insert(host.to_owned(), engine);
    }

    /// A machine's engine.
    pub fn engine(&self, host: &str) -> &DockerLab {
        self.engines.get(host).unwrap_or_else(|| panic!("{host} has an engine"))
    }
}

/// The container that makes a declaration of [`Lab::small`] true.
pub fn container(host: &str, service: &str, port: u16) -> Container {
    Container::compose(host, service).named(service).publish(port, port)
}

/// No machines; the custom fields, roles and tags of the reference inventory and one for endpoints.
fn empty_inventory() -> Inventory {
    let reference = Inventory::reference();
    let mut custom_fields = reference.custom_fields;
    let id = custom_fields.iter().map(|field| field.id).max().unwrap_or(0) + 1;
    custom_fields.push(CustomField {
        id,
        name: "docker_endpoint".to_owned(),
        kind: "text".to_owned(),
        object_types: vec!["dcim.device".to_owned(), "virtualization.virtualmachine".to_owned()],
    });
    Inventory { custom_fields, roles: reference.roles, tags: reference.tags, ..Inventory::default() }
}

/// The services that must run on a machine and are containers.
fn declared_on<'a>(inventory: &'a Inventory, host: &str) -> Vec<&'a Service> {
    let vm = inventory.vms.iter().find(|h| h.name.as_deref() == Some(host)).map(|h| ObjectRef::vm(h.id));
    let device = || {
        inventory.devices.iter().find(|h| h.name.as_deref() == Some(host)).map(|h| ObjectRef::device(h.id))
    };
    let parent = vm.or_else(device).expect("a declared machine");
    let must_run = |service: &&Service| {
        let lifecycle = service.custom_fields.get("lifecycle").and_then(Value::as_str);
        !matches!(lifecycle, Some("planned" | "retired")) && service.name != "ssh"
    };
    inventory.services.iter().filter(|service| service.parent == parent).filter(must_run).collect()
}
